#!/bin/sh
nc -l -p 9100 > /tmp/spool
