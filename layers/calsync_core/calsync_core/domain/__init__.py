"""What calsync talks about: values and their rules, without any input or output."""
