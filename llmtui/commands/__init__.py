"""What each command does, once its options are read: thin, over the same engine as the screen and the API."""
