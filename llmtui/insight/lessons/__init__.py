"""Eight short lessons on language models: pages to read, things to try, and checks that notice when they were done."""
