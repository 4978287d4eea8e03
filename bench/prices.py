"""List prices of AWS, us-east-1, without the free tier, in dollars; as of November 2026, from AWS's price list."""

LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000133334  # arm64
HTTP_API_REQUEST = 1.00 / 1e6
SQS_REQUEST = 0.40 / 1e6
STANDARD_TRANSITION = 25.0 / 1e6
EXPRESS_REQUEST = 1.00 / 1e6
EXPRESS_GB_SECOND = 0.00001667
EXPRESS_GB = 0.0625  # 64 MB is the least that is billed
READ_UNIT = 0.125 / 1e6
WRITE_UNIT = 0.625 / 1e6
STORED_GB_MONTH = 0.25
SECRET_MONTH = 0.40
SECRET_CALL = 0.05 / 1e4
KMS_CALL = 0.03 / 1e4
LOG_GB = 0.50
