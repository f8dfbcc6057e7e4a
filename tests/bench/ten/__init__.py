"""Ten hosts, the same work on each by four ways: facts, 5 directories, 10 templates, 5 commands; whole processes."""
