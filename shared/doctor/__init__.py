"""The doctor: looks at a set-up, check by check, in the order in which one fails."""
