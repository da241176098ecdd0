"""Serves moto's Amazon and checks signatures over what came over the wire. moto itself builds the request to be signed out of what it has
parsed, so that it refuses every GET, even those of Amazon's own client; only that is replaced here, the check is moto's and botocore's."""

import sys

import flask
from botocore.awsrequest import AWSRequest
from moto.iam.access_control import IAMRequestBase
from moto.server import main


def as_it_came(self):
    came = flask.request
    signed = self._get_string_between("SignedHeaders=", ",", self._headers["Authorization"]).split(";")
    request = AWSRequest(
        method=came.method,
        url=f"http://{came.host}{came.environ['RAW_URI']}",
        data=came.get_data(),
        headers=self._create_headers_for_aws_request(signed, self._headers),
    )
    request.context["timestamp"] = self._headers["X-Amz-Date"]
    return request


IAMRequestBase._create_aws_request = as_it_came
main(sys.argv[1:])
