# SPDX-License-Identifier: MIT OR Apache-2.0
# The part of the worker that calls plugins, put behind `worker.py` and `variables.py`.
#
# A filter, test or lookup is called by an expression, so that ansible-core gives it what it asks for: context, environment,
# variables, `errors=`.


def plain(value):
    """What a plugin gave, as JSON can hold it."""
    import collections.abc
    import datetime
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if isinstance(value, collections.abc.Mapping):
        return {key if isinstance(key, (str, int, float, bool, type(None))) else str(key): plain(value[key]) for key in value}
    if isinstance(value, (datetime.date, datetime.time)):
        return str(value)
    if isinstance(value, collections.abc.Iterable) and not type(value).__name__.endswith('Undefined'):
        return [plain(item) for item in value]
    if type(value).__name__.endswith('Undefined'):
        from ansible.errors import AnsibleUndefinedVariable
        raise AnsibleUndefinedVariable(str(getattr(value, '_undefined_message', None) or 'the value is undefined'))
    raise TypeError('Type %r is unsupported for variable storage.' % type(value).__name__)


def set_up_plugins(message):
    """Tells the loaders of this child where plugins lie."""
    from ansible.plugins import loader
    set_up(message)
    for kind, folders in message['folders'].items():
        for folder in folders:
            getattr(loader, kind + '_loader').add_directory(folder)
    # What the documentation of plugins extends, out of which their options are read.
    loader.fragment_loader.add_directory(os.path.join(message['basedir'], 'doc_fragments'))


def files_of(message):
    """Reads the files of a project."""
    from ansible.parsing.dataloader import DataLoader
    files = DataLoader()
    files.set_basedir(message['basedir'])
    return files


def listen(said):
    """Keeps warnings, which belong to whoever asked."""
    from ansible.utils.display import Display

    def warning(display, msg, *more, **others):
        said.append({'warning': str(msg)})

    def deprecated(display, msg, *more, **others):
        said.append({'deprecated': str(msg)})

    def error_as_warning(display, msg, exception, *more, **others):
        said.append({'warning': ': '.join(str(part).rstrip('.') for part in (msg, exception) if part)})

    Display.warning, Display.deprecated = warning, deprecated
    if hasattr(Display, 'error_as_warning'):
        Display.error_as_warning = error_as_warning


class Plugins:
    """The plugins of a connection, which has one project."""

    # One process serves one connection.
    made = None

    def __init__(self, message, stream):
        from ansible.template import Templar
        set_up_plugins(message)
        self.said = []
        listen(self.said)
        self.variables = Variables(stream)
        accept_variables()
        self.templar = Templar(loader=files_of(message), variables=self.variables)

    @classmethod
    def of(cls, message, stream):
        cls.made = cls.made or cls(message, stream)
        return cls.made

    def call(self, expression, values):
        if hasattr(self.templar, 'evaluate_expression'):
            from ansible.template import trust_as_template
            return self.templar.evaluate_expression(trust_as_template(expression), local_variables=values)
        from ansible.template.vars import AnsibleJ2Vars
        template = self.templar.environment.from_string('{%% set vent_result = %s %%}' % expression)
        lookup = getattr(self.templar, '_query_lookup', None) or self.templar._lookup
        template.globals.update(lookup=self.templar._lookup, query=lookup, q=lookup)
        seen = AnsibleJ2Vars(self.templar, template.globals, locals=values)
        context = template.new_context(seen, shared=True)
        for _ in template.root_render_func(context):
            pass
        return context.vars['vent_result']


def accept_variables():
    """From 2.19 on, has the engine of templates take `Variables` as they are."""
    try:
        from ansible._internal._templating import _jinja_bits as bits
    except ImportError:
        return
    layers = bits._flatten_and_lazify_vars
    bits._flatten_and_lazify_vars = lambda mapping: iter([mapping]) if isinstance(mapping, Variables) else layers(mapping)


EXPRESSIONS = {
    'filter': 'vent_value | %s(*vent_arguments, **vent_named)',
    'test': 'vent_value is %s(*vent_arguments, **vent_named)',
    'lookup': 'lookup(vent_name, *vent_arguments, **vent_named)',
}

EACH = 'vent_values | map(vent_name, *vent_arguments, **vent_named) | list'


def op_call(message, blob, stream):
    """The results of a plugin, one for each value."""
    plugins = Plugins.of(message, stream)
    plugins.variables.forget()
    del plugins.said[:]
    kind, name = message['kind'], message['name']
    if not all(part.isidentifier() for part in name.split('.')):
        # It becomes part of an expression.
        return {'failed': 'no %s can be named %r' % (kind, name), 'said': []}, b''
    expression = EXPRESSIONS[kind].replace('%s', name)
    request = given(json.loads(blob))
    values = {'vent_name': name, 'vent_arguments': request['arguments'], 'vent_named': request['named']}
    results, given_values = [], [None] if kind == 'lookup' else request['values']
    try:
        if kind == 'filter' and len(given_values) > 1:
            results = plain(plugins.call(EACH, dict(values, vent_values=given_values)))
            given_values = []
        for value in given_values:
            result = plugins.call(expression, dict(values, vent_value=value))
            results.append(bool(result) if kind == 'test' else plain(result))
    except Exception as error:
        sort = 'undefined' if 'Undefined' in type(error).__name__ else 'failed'
        return {sort: message_of(error, kind, name), 'said': plugins.said}, b''
    return {'said': plugins.said}, json.dumps(results).encode('ascii')


def message_of(error, kind, name):
    """The words of an error; those of a plugin that fails as ansible-core 2.19 has them."""
    from ansible.errors import AnsibleError
    if isinstance(error, AnsibleError):
        return str(error)
    return "The %s plugin '%s' failed: %s" % (kind, name, error)


def op_names(message, *_):
    """The names of the filters or tests that files have; no file stands for those of Jinja itself."""
    import importlib
    import importlib.util
    set_up(message)
    attribute, found = message['kind'] + 's', []
    for number, (path, module) in enumerate(message['files']):
        try:
            if path is None:
                from jinja2 import defaults
                names = getattr(defaults, 'DEFAULT_' + attribute.upper())
            else:
                if module is not None:
                    loaded = importlib.import_module(module)
                else:
                    spec = importlib.util.spec_from_file_location('vent_plugins_%d' % number, path)
                    loaded = importlib.util.module_from_spec(spec)
                    spec.loader.exec_module(loaded)
                owner = getattr(loaded, 'FilterModule' if message['kind'] == 'filter' else 'TestModule')
                names = getattr(owner(), attribute)()
            found.append({'names': sorted(str(name) for name in names)})
        except BaseException as error:
            found.append({'failed': '%s: %s' % (type(error).__name__, error)})
    return {'found': found}, b''


def op_inventory(message, *_):
    """The hosts and groups that a plugin makes of a file, and of the sources before it if it looks at those."""
    from ansible import context
    from ansible.inventory.manager import InventoryManager
    set_up_plugins(message)
    context.CLIARGS = dict(context.CLIARGS, extra_vars=(message['extra'],))
    said = []
    listen(said)
    manager = InventoryManager(loader=files_of(message), sources=message['sources'])
    hosts, groups = {}, {}
    for name, host in manager.hosts.items():
        hosts[name] = marked(host.vars)
    for name, group in manager.groups.items():
        groups[name] = {'hosts': [host.name for host in group.hosts], 'children': [child.name for child in group.child_groups],
                        'vars': marked(group.vars), 'priority': group.priority}
    return {'said': said}, json.dumps([hosts, groups]).encode('ascii')


def marked(variables):
    """The variables of a host or group, without those that are vaulted, which others read. A list with one text stands for a template,
    one with one list for a list."""
    try:
        from ansible._internal._datatag._tags import TrustedAsTemplate
        def is_template(text):
            return TrustedAsTemplate.is_tagged_on(text)
    except ImportError:
        from ansible.utils.unsafe_proxy import AnsibleUnsafe
        def is_template(text):
            return not isinstance(text, AnsibleUnsafe)

    def mark(value):
        if isinstance(value, str) and is_template(value) and any(sign in value for sign in ('{{', '{%', '{#')):
            return [str(value)]
        if isinstance(value, dict):
            return {str(key): mark(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [[mark(item) for item in value]]
        return plain(value)

    return {name: mark(value) for name, value in variables.items()
            if type(value).__name__ not in ('EncryptedString', 'AnsibleVaultEncryptedUnicode')
            and name not in ('inventory_file', 'inventory_dir')}


def op_vars(message, *_):
    """What vars plugins say of groups and hosts: for each of the lists of folders, by kind and name, the variables that are weaker than
    those of files and the ones that are stronger."""
    from ansible import constants
    from ansible.inventory.group import Group
    from ansible.inventory.host import Host
    from ansible.plugins.loader import vars_loader
    from ansible.vars.plugins import _plugin_should_run
    set_up_plugins(message)
    said = []
    listen(said)
    files = files_of(message)
    list(vars_loader.all(class_only=True))
    names = list(vars_loader._plugin_instance_cache)
    names += [name for name in constants.VARIABLE_PLUGINS_ENABLED if name and name not in names]
    plugins = []
    for name in names:
        plugin = vars_loader.get(name)
        full = getattr(plugin, 'ansible_name', name)
        if plugin is None or full.split('.')[-1] == 'host_group_vars':
            continue
        if any(_plugin_should_run(plugin, stage) for stage in ('inventory', 'task')):
            plugins.append((full.count('.') > 1 and not full.startswith('ansible.'), plugin))
    groups = {name: Group(name) for name in message['groups']}
    hosts = {name: Host(name) for name in message['hosts']}
    for name, host in hosts.items():
        for group in message['hosts'][name]:
            groups[group].add_host(host)
    told = []
    for folders in message['around']:
        part = {}
        for kind, entities in (('group_vars', groups), ('host_vars', hosts)):
            part[kind] = {}
            for name, entity in entities.items():
                both = [{}, {}]
                for folder in folders:
                    for stronger, plugin in plugins:
                        both[stronger].update(marked(plugin.get_vars(files, folder, [entity]) or {}))
                if both != [{}, {}]:
                    part[kind][name] = both
        told.append(part)
    return {'said': said}, json.dumps(told).encode('ascii')


OPERATIONS.update(call=op_call, names=op_names, inventory=op_inventory, vars=op_vars)
