#!/usr/bin/env python3
"""Reads Terraform from standard input and prints it as JSON."""

import json
import sys

import hcl2

print(json.dumps(hcl2.load(sys.stdin)))
