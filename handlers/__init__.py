"""One module for each trigger: decode, call one thing in `shared/`, answer."""
