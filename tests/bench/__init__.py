"""What is worked out of limits and prices, held against the code and the documents."""
