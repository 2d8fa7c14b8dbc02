"""What is deployed, held against the code, and Bicep against Terraform."""
