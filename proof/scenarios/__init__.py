"""The proofs, one file each, by what they are about."""
