"""What browsers and API clients see: pages, forms, cookies, answers."""
