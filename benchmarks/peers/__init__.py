"""Other libraries' stores as subjects, one file each; each needs the extra `bench`."""
