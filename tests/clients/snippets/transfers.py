"""The documentation's Python snippet for a cloud-to-cloud transfer; its placeholders come from the environment."""

import os
from pprint import pprint

import requests

API_URL = os.environ["API_URL"]
API_KEY = os.environ["API_KEY"]

TASKS_TRANSFERS_URL = f"{API_URL}/tasks/transfers"

file_path = os.environ["MANIFEST_PATH"]
file_name = os.path.basename(file_path)
file_stream = open(file_path, "rb")

file_param = [
    ("file", (file_name, file_stream, "multipart/form-data")),
]

response = requests.post(TASKS_TRANSFERS_URL, headers={"x-api-key": API_KEY}, files=file_param)
print (f"Status code: {response.status_code}")
pprint (response.json())
