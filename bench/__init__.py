"""What the app costs: measured as ratios within one run, or worked out."""
