"""The machine llmtui runs on: its load, its folders, its terminal, its logs."""
