# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs one module in a process of its own: TREE MODULE PROFILE as arguments, those of the module by standard input. Python 2.7 and 3.6
# upwards.
import sys
sys.path[:] = [path for path in sys.path if path not in ('', '.')]
import json, os
tree, name, profile = sys.argv[1:4]
arguments = getattr(sys.stdin, 'buffer', sys.stdin).read()
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
sys.path.insert(0, tree)
sys.argv = ['']
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = arguments
if profile:
    basic._ANSIBLE_PROFILE = profile
import runpy
try:
    runpy.run_module(name, init_globals={'_module_fqn': name, '_modlib_path': tree}, run_name='__main__', alter_sys=True)
    print(json.dumps({'failed': True, 'msg': 'New-style module did not handle its own exit.'}))
except Exception as error:
    import traceback
    print(json.dumps({'failed': True, 'msg': 'Task failed: Module failed: %s' % (error,), 'exception': traceback.format_exc()}))
sys.exit(1)
