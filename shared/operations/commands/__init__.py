"""The operator's commands: each reads its options, does its work, tells, and answers its exit status."""
