"""Rules that write English out in words, one kind a file; `idfacevc.text.english` says in which order they run."""
