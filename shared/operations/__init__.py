"""What the operator's command line does (`ops.py`): look, replay, stop and let go on."""
