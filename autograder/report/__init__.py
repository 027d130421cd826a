"""What students and instructors look at."""
