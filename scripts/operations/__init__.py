"""What a task does, end to end. The only stage that sees all the others below it."""
