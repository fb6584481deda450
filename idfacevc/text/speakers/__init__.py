"""The voices that say a text: one file a kind."""
