"""Microsoft 365 and Outlook.com calendars by Microsoft Graph. Nothing is imported here: the webhook must start fast."""
