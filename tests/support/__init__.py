"""What tests share: scripted runners, an in-process index server."""
