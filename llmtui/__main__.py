"""python -m llmtui."""

from llmtui.cli import main

if __name__ == "__main__":
    main()
