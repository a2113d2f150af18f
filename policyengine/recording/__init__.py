"""Records of decisions: everything that one depended on, in one file from which it can be reached again.

A record is a tar archive of `record.json` and of contents under their digests. It proves nothing by itself, since
whoever can write it can write another; it lets an auditor follow a decision, and check every digest and signature
in it, without the registry and on another day. What was asked and not answered is in it as well, and whatever a
replay asks for that is not in it could not be had: never is it taken for "there is none".
"""
