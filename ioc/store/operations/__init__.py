"""What keeps an instance running: beats of its roles, anchors of its audit trail."""
