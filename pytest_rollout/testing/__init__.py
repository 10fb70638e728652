"""In-memory doubles of every port, for tests of your own."""
