# SPDX-License-Identifier: MIT OR Apache-2.0
# The part of the worker that holds the variables which plugins see, put behind `worker.py`.
#
# They are asked for one by one: {"ask": "variable" | "names" | "hosts", "host", "name"} is answered by one frame.


class Variables(dict):
    """The variables of a host, each asked for when it is used. A dict, since plugins want one."""

    # Those that ansible-core looks for among the variables before its own.
    GLOBAL = ('lookup', 'query', 'q', 'now', 'undef', 'omit')

    def __init__(self, stream, host=None):
        super().__init__()
        self.stream, self.host, self.known = stream, host, {}
        # What a plugin has set or removed, in a copy mostly.
        self.own, self.gone = {}, set()

    def ask(self, **question):
        self.stream.write(dict(question, host=self.host))
        message, blob = self.stream.read()
        if message is None:
            raise EOFError('nobody answers any more')
        return message, blob

    def find(self, name):
        if name in self.gone:
            return []
        if name in self.own:
            return [self.own[name]]
        if name not in self.known:
            self.known[name] = self.found(name)
        return self.known[name]

    def forget(self):
        """Forgets what earlier calls have asked and set."""
        for held in (self.known, self.own, self.gone):
            held.clear()

    def found(self, name):
        """What stands for a variable, in a list; an empty one if there is none."""
        if not isinstance(name, str) or name in self.GLOBAL:
            return []
        if name == 'hostvars' and self.host is None:
            return [Hosts(self.stream)]
        if name == 'vars' and self.host is None:
            return [self]
        message, blob = self.ask(ask='variable', name=name)
        if 'undefined' in message:
            return [undefined(message['undefined'])]
        return [given(json.loads(blob))] if blob else []

    def __missing__(self, name):
        raise KeyError(name)

    def __getitem__(self, name):
        for value in self.find(name):
            return value
        return self.__missing__(name)

    def __contains__(self, name):
        return bool(self.find(name))

    def get(self, name, default=None):
        return self[name] if name in self else default

    def names(self):
        message, _ = self.ask(ask='names')
        if 'names' not in message:
            raise KeyError(self.host)
        return message['names']

    def keys(self):
        names = dict.fromkeys(self.names())
        names.update(dict.fromkeys(self.own))
        return [name for name in names if name not in self.gone]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __bool__(self):
        return True

    def items(self):
        return [(name, self[name]) for name in self if name in self]

    def values(self):
        return [value for _, value in self.items()]

    def copy(self):
        made = type(self)(self.stream, self.host)
        made.known, made.own, made.gone = dict(self.known), dict(self.own), set(self.gone)
        return made

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __setitem__(self, name, value):
        self.gone.discard(name)
        self.own[name] = value

    def __delitem__(self, name):
        if name not in self:
            raise KeyError(name)
        self.own.pop(name, None)
        self.gone.add(name)

    def update(self, *more, **named):
        for name, value in dict(*more, **named).items():
            self[name] = value

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name, *default):
        if name in self:
            value = self[name]
            del self[name]
            return value
        if default:
            return default[0]
        raise KeyError(name)

    def __eq__(self, other):
        return self is other

    __hash__ = None

    def __repr__(self):
        return repr(dict(self.items()))


class Hosts(Variables):
    """`hostvars`."""

    def found(self, name):
        message, _ = self.ask(ask='names', of=name)
        return [Variables(self.stream, name)] if 'names' in message else []

    def __missing__(self, name):
        raise KeyError("hostvars['%s']" % name)

    def names(self):
        return self.ask(ask='hosts')[0]['names']


def given(value):
    """A value of Vent's; its texts are no templates."""
    try:
        from ansible.template import trust_as_template  # noqa: F401, that is 2.19, where texts are none unless they are trusted
        return value
    except ImportError:
        from ansible.utils.unsafe_proxy import wrap_var
        return wrap_var(value)


def undefined(hint):
    """Something that fails when it is used."""
    try:
        from ansible.template import trust_as_template
        return trust_as_template('{{ undef(hint=%s) }}' % json.dumps(hint))
    except ImportError:
        from ansible.template import AnsibleUndefined
        return AnsibleUndefined(hint=hint)
