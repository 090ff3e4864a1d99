"""What a deployment needs before its first start: passwords, and files with them."""
