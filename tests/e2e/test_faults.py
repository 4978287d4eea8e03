"""(the lead writes this file and test_people.py; take the others) What goes wrong, and what follows."""
