# SPDX-License-Identifier: MIT OR Apache-2.0
"""The worker of Vent's bridge to Python: a program of its own, run by the Python that has ansible-core, which it uses as a library.

It is spoken to in frames: the length of a JSON text and that of a blob (both 32 bits, big endian), the text in UTF-8, the blob.
The first frame comes by standard input and says hello; the answer names a Unix socket. Each connection to it is served by a child
of its own, forked from a process that has imported already what all need, so that plugins find a process of their own. A message
with "op" is answered by one frame, a failure by {"error": {"type", "message", "traceback"}}. The end of standard input ends all.
"""
import sys

# The folder this is started in is the user's: nothing is imported from there.
sys.path[:] = [path for path in sys.path if path]

import ast
import base64
import hashlib
import io
import json
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import tempfile
import traceback
import zipfile


class Stream:
    """Frames over a pair of files."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink

    def read(self):
        head = self.source.read(8)
        if len(head) < 8:
            return None, b''
        text, blob = struct.unpack('>II', head)
        return json.loads(self.source.read(text)), self.source.read(blob) if blob else b''

    def write(self, message, blob=b''):
        text = json.dumps(message).encode('ascii')
        self.sink.write(struct.pack('>II', len(text), len(blob)) + text + blob)
        self.sink.flush()


def preload():
    """Imports what takes long; children find it done."""
    import ansible.executor.module_common
    import ansible.module_utils.basic
    import ansible.parsing.dataloader
    import ansible.plugins.loader
    import ansible.template


def set_up(message):
    """Tells the loaders of this child where collections and module_utils lie; the first folder wins."""
    from ansible.plugins import loader
    loader.init_plugin_loader(message['collections'])
    for folder in message['module_utils']:
        loader.module_utils_loader.add_directory(folder)


def op_build(message, *_):
    """A module as the files of which it runs, without arguments."""
    from ansible import constants
    from ansible.executor.module_common import modify_module
    from ansible.module_utils.common.parameters import PASS_VARS
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    set_up(message)
    # The cache of built modules goes by names: two roles with a module of the same name would share one.
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix='vent-build-')
    try:
        built = modify_module(
            module_name=message['name'], module_path=message['path'], module_args={},
            templar=Templar(loader=DataLoader(), variables={}), module_compression='ZIP_STORED',
            # Which interpreter runs it is found out later, by Vent.
            task_vars={'ansible_python_interpreter': '/usr/bin/python3', 'ansible_facts': {}})
    finally:
        shutil.rmtree(constants.DEFAULT_LOCAL_TMP, ignore_errors=True)
    if isinstance(built, tuple):
        text, profile = built[0], ''
    else:
        text, profile = built.b_module_data, built.serialization_profile
    archive, name = parts(text)
    files, blob = [], []
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for path in sorted(opened.namelist()):
            content = opened.read(path)
            files.append([path, hashlib.sha256(content).hexdigest(), len(content)])
            blob.append(content)
    fallback = constants.config.get_config_value('INTERPRETER_PYTHON_FALLBACK')
    answer = {'name': name, 'profile': profile, 'files': files, 'internal': sorted(PASS_VARS),
              'pythons': [str(python) for python in fallback]}
    return answer, b''.join(blob)


def parts(text):
    """The archive and the full name of the module in what ansible-core makes of it, read as Python reads it."""
    archive = name = None
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == 'ZIPDATA':
            archive = ast.literal_eval(node.value)
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == 'zip_data':
                    archive = ast.literal_eval(keyword.value)
                elif keyword.arg in ('mod_name', 'module_fqn') and isinstance(keyword.value, ast.Constant):
                    name = keyword.value.value
    if archive is None or name is None:
        raise ValueError('what ansible-core made of the module has another shape than those of 2.16 to 2.20')
    return base64.b64decode(archive), name


class Seen(BaseException):
    """Ends a module at its constructor."""


def op_spec(message, *_):
    """What a module says of its arguments: it is begun, and ended where it hands them over."""
    import ansible.module_utils
    from ansible.module_utils import basic
    set_up(message)
    ansible.module_utils.__path__[:0] = message['module_utils']
    basic._ANSIBLE_ARGS = b'{"ANSIBLE_MODULE_ARGS": {}}'
    if hasattr(basic, '_ANSIBLE_PROFILE'):
        basic._ANSIBLE_PROFILE = 'legacy'
    said = {}

    def constructor(self, argument_spec, bypass_checks=False, no_log=False, mutually_exclusive=None, required_together=None,
                    required_one_of=None, add_file_common_args=False, supports_check_mode=False, *more, **others):
        said.update(options=options(argument_spec), supports_check_mode=bool(supports_check_mode))
        raise Seen

    basic.AnsibleModule.__init__ = constructor
    sys.argv = ['']
    try:
        if message['alone']:
            runpy.run_path(message['path'], run_name='__main__')
        else:
            runpy.run_module(message['module'], run_name='__main__')
    except Seen:
        pass
    return said, b''


def options(spec):
    """Of each option its other names, its options, and whether it is never to be shown."""
    told = {}
    for name, option in (spec or {}).items():
        told[name] = {'aliases': list(option.get('aliases') or ()), 'no_log': option.get('no_log') is True,
                      'options': options(option.get('options'))}
    return told


OPERATIONS = {'build': op_build, 'spec': op_spec}


def serve(stream):
    while True:
        message, blob = stream.read()
        if message is None:
            return
        try:
            answer, blob = OPERATIONS[message['op']](message, blob, stream)
        except BaseException as error:
            answer, blob = {'error': {'type': type(error).__name__, 'message': str(error),
                                      'traceback': traceback.format_exc()}}, b''
        stream.write(answer, blob)


def reap(options):
    """Takes leave of children that have ended."""
    try:
        while os.waitpid(-1, options)[0]:
            pass
    except ChildProcessError:
        pass


def end():
    """Ends the children: nobody waits for their answers any more."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGTERM)
    reap(0)


def main():
    # The frames have descriptors of their own: no plugin reads or writes among them.
    stream = Stream(os.fdopen(os.dup(0), 'rb'), os.fdopen(os.dup(1), 'wb'))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    stream.read()
    preload()
    folder = tempfile.mkdtemp(prefix='vent-bridge-')
    try:
        path = os.path.join(folder, 'socket')
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(64)
        stream.write({'socket': path})
        while True:
            ready, _, _ = select.select([server, stream.source], [], [])
            if stream.source in ready:
                return end()
            connection, _ = server.accept()
            reap(os.WNOHANG)
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
                serve(Stream(connection.makefile('rb'), connection.makefile('wb')))
                sys.stdout.flush()
                os._exit(0)
            connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

