#!/usr/bin/python3
"""Marks each message with a header of its own. The smallest filter that changes mail: copy it and begin from there."""

import sys

import courier.xfilter

# Shown in the mail log when a worker has imported the filter.
sys.stderr.write('Initialized the example python filter\n')


def do_filter(body_path, control_paths):
    xfilter = courier.xfilter.XFilter('example', body_path, control_paths)
    message = xfilter.get_message()
    message['X-Filtered-By'] = 'pythonfilter'
    return xfilter.submit()
