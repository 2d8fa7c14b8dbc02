"""Programs beside which the app is measured. Each files the mails that it is told of, line by line."""
