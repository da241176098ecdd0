#!/bin/sh
# The application: says once a minute that it lives.
while :; do
  date >/run/app/alive
  sleep 60
done
