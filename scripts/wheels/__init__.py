"""What wheels exist and what they hold: index pages, candidates, metadata, device code, lanes; wheels we write."""
