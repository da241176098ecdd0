# SPDX-License-Identifier: MIT OR Apache-2.0
# The server of Vent's bridge on a host: keeps the files of modules, and forks a child for each module from a process that has
# imported what all modules need. Frames as in worker.py, on standard input and output. Python 2.7 and 3.6 upwards.
import sys
sys.path[:] = [path for path in sys.path if path not in ('', '.')]
import atexit, errno, fcntl, gc, hashlib, json, os, pwd, select, signal, stat, struct, time

LONGEST = 16 << 20  # bytes of each stream of a module that are kept
source, sink = os.dup(0), os.fdopen(os.dup(1), 'wb')
nothing = os.open(os.devnull, os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(nothing, 1)
imported = None  # the tree out of which this process has imported
children = {}  # by the number of their request


def tell(message, blob=b''):
    text = json.dumps(message).encode('ascii')
    try:
        sink.write(struct.pack('>II', len(text), len(blob)) + text + blob)
        sink.flush()
    except (IOError, OSError):
        pass  # Nobody listens any more: what runs is waited for all the same.


class Refused(Exception):
    pass


def folder_of(remote_tmp):
    """The folder of this account's modules: its own, and closed to others."""
    account = pwd.getpwuid(os.geteuid())
    if remote_tmp == '~' or remote_tmp.startswith('~/'):
        remote_tmp = account.pw_dir + remote_tmp[1:]
    base = os.path.normpath(os.path.expandvars(remote_tmp))
    if not os.path.isabs(base):
        raise Refused('the remote_tmp %s is no absolute path' % base)
    path = os.path.join(base, 'vent')
    made = ''
    for part in path.split('/')[1:]:
        made += '/' + part
        try:
            os.mkdir(made, 0o700)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.EROFS, errno.EACCES, errno.EPERM) or not os.path.isdir(made):
                raise Refused('cannot make the folder %s: %s' % (made, error.strerror))
        known = os.stat(made)
        if known.st_uid not in (0, os.geteuid()) and made == path or known.st_mode & 0o1002 == 0o002:
            raise Refused('%s can be changed by other accounts' % made)
    known = os.lstat(path)
    if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.geteuid() or known.st_mode & 0o077:
        raise Refused('%s is not a folder of %s alone: remove it' % (path, account.pw_name))
    return path


def digest_of(path):
    try:
        with open(path, 'rb') as opened:
            return hashlib.sha256(opened.read()).hexdigest()
    except (IOError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise


def store(request, blob):
    """The tree that has these files, digests compared; or the numbers of those that have to be sent."""
    folder = folder_of(request['remote_tmp'])
    lock = os.open(os.path.join(folder, 'lock'), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        number = 0
        while True:
            tree = os.path.join(folder, '%s-%d' % (request['core'], number))
            known = [digest_of(os.path.join(tree, path)) for path, _, _ in request['files']]
            # Another file of this name, of other versions or another project: it goes into another tree.
            if all(found in (None, wanted[1]) for found, wanted in zip(known, request['files'])):
                break
            number += 1
        missing = [at for at, found in enumerate(known) if found is None]
        sent = request.get('sent') or []
        if [at for at in missing if at not in sent]:
            return None, missing
        start = 0
        for at in sent:
            path, digest, length = request['files'][at]
            content, start = blob[start:start + length], start + length
            if hashlib.sha256(content).hexdigest() != digest:
                raise Refused('%s did not arrive as it was sent' % path)
            if at in missing:
                keep(os.path.join(tree, path), content)
        return tree, []
    finally:
        os.close(lock)


def keep(path, content):
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path), 0o700)
    beside = '%s.%d.new' % (path, os.getpid())
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as opened:
        opened.write(content)
    os.rename(beside, path)


def preload(tree):
    """Imports what every module needs; the files that were read, below the tree."""
    global imported
    if imported is None:
        sys.path.insert(0, tree)
        import runpy
        import ansible.module_utils.basic
        imported = tree
        gc.collect()
        getattr(gc, 'freeze', lambda: None)()
    found = []
    for module in list(sys.modules.values()):
        path = getattr(module, '__file__', None) or ''
        if path.startswith(imported + '/'):
            found.append(os.path.splitext(path[len(imported) + 1:])[0] + '.py')
    return found


def work(request, arguments, out, err):
    """What a child does: the module, as a program of its own would do it."""
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, 1024)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for name, value in request['environment']:
        if sys.version_info[0] < 3:
            name, value = name.encode('utf-8'), value.encode('utf-8')
        os.environ[name] = value
    time.tzset()
    try:
        os.getcwd()
    except OSError:
        os.chdir('/')
    tree = str(request['tree'])
    if tree != imported:
        # What is imported already is the same in both, which Vent knows by the digests; the rest comes out of this one.
        sys.path[0] = tree
        for name, module in list(sys.modules.items()):
            if name.split('.')[0] in ('ansible', 'ansible_collections') and getattr(module, '__path__', None) is not None:
                module.__path__ = [os.path.join(tree, *name.split('.'))]
    sys.path_importer_cache.clear()
    sys.argv = ['']
    sys.stdin, sys.stdout, sys.stderr = open(os.devnull), os.fdopen(1, 'w'), os.fdopen(2, 'w')
    import random
    random.seed()
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = arguments
    if request['profile']:
        basic._ANSIBLE_PROFILE = request['profile']
    import runpy
    name = str(request['module'])
    code = 1
    try:
        runpy.run_module(name, init_globals={'_module_fqn': name, '_modlib_path': tree}, run_name='__main__', alter_sys=True)
        print(json.dumps({'failed': True, 'msg': 'New-style module did not handle its own exit.'}))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if end.code is not None and not isinstance(end.code, int):
            sys.stderr.write('%s\n' % (end.code,))
    except BaseException as error:
        import traceback
        print(json.dumps({'failed': True, 'msg': 'Task failed: Module failed: %s' % (error,), 'exception': traceback.format_exc()}))
    try:
        atexit._run_exitfuncs()
    except Exception:
        pass
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 255)


class Child(object):
    def __init__(self, request, arguments):
        self.number, self.streams, self.ends = request['id'], {}, None
        self.said, self.status = [[], []], None
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                work(request, arguments, out_end, err_end)
            except BaseException:
                import traceback
                os.write(2, traceback.format_exc().encode('utf-8', 'replace'))
            finally:
                os._exit(255)
        os.close(out_end)
        os.close(err_end)
        self.streams = {out: 0, err: 1}

    def read(self, stream):
        piece = os.read(stream, 65536)
        said = self.said[self.streams[stream]]
        if not piece:
            self.close(stream)
        elif sum(map(len, said)) < LONGEST:
            said.append(piece)

    def close(self, stream):
        os.close(stream)
        del self.streams[stream]

    def signal(self, number):
        try:
            os.killpg(self.pid, number)
        except OSError:
            pass

    def step(self):
        """True once it has ended and been told. What it leaves in the background may hold its streams: it is not waited for."""
        if self.ends is not None and time.time() >= self.ends:
            self.signal(signal.SIGKILL)
        if self.status is None:
            for _ in range(1 if self.streams else 10):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid or self.streams:
                    break
                # It has closed its streams: mostly it is about to end.
                time.sleep(0.001)
            if pid == 0:
                return False
            self.status = status
            if self.ends is not None:
                self.signal(signal.SIGKILL)
        while self.streams:
            ready, _, _ = select.select(list(self.streams), [], [], 0)
            if not ready:
                break
            for stream in ready:
                self.read(stream)
        for stream in list(self.streams):
            self.close(stream)
        out, err = [b''.join(said) for said in self.said]
        code = -os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else os.WEXITSTATUS(self.status)
        tell({'id': self.number, 'rc': code, 'out': len(out)}, out + err)
        return True


def answer(request, blob):
    if request['op'] == 'end':
        child = children.get(request['id'])
        if child is not None:
            child.signal(signal.SIGTERM)
            child.ends = time.time() + 2
        return
    try:
        if request['op'] == 'store':
            tree, missing = store(request, blob)
            found = preload(tree) if tree else []
            tell({'id': request['id'], 'tree': tree, 'missing': missing, 'imported': found})
        else:
            children[request['id']] = Child(request, blob)
    except Exception as error:
        tell({'id': request['id'], 'error': str(error) if isinstance(error, Refused) else '%s: %s' % (type(error).__name__, error)})


def main():
    tell({'python': list(sys.version_info[:3]), 'executable': sys.executable})
    received, open_source = b'', True
    while open_source or children:
        watched = [stream for child in children.values() for stream in child.streams] + ([source] if open_source else [])
        try:
            ready, _, _ = select.select(watched, [], [], 0.05 if children else None)
        except select.error:
            continue
        for child in list(children.values()):
            for stream in [stream for stream in ready if stream in child.streams]:
                child.read(stream)
            if child.step():
                del children[child.number]
        if source in ready:
            piece = os.read(source, 1 << 20)
            open_source = bool(piece)
            received += piece
            while len(received) >= 8:
                text, blob = struct.unpack('>II', received[:8])
                if len(received) < 8 + text + blob:
                    break
                message, rest = received[8:8 + text], received[8 + text:8 + text + blob]
                received = received[8 + text + blob:]
                answer(json.loads(message.decode('utf-8')), rest)


main()
# What was imported need not be taken apart.
os._exit(0)
