"""Runs the inventory script packet_net.py, whose service is fixed, against another address."""

import os
import runpy
import sys

import requests

address = os.environ["STAND_IN"]
original = requests.Session.request


def request(self, method, url, *arguments, **options):
    url = url.replace("https://api.packet.net", address).replace("https://api.equinix.com/metal/v1", address)
    return original(self, method, url, *arguments, **options)


requests.Session.request = request
script = sys.argv[1]
sys.argv = [script, "--list", "--refresh-cache"]
runpy.run_path(script, run_name="__main__")
