"""Runs student code; knows no answer.

``edition`` copies what a child may see into a folder of its own, ``zygote`` is the warm process that forks
one child a submission, ``child`` runs cells and answers calls. On the judge's side of the border ``host``
holds the warm process and its children, ``trial`` is the life of one submission.
"""
