"""OpenStack Swift with its S3 API in one process, for tests: a real S3 server where there is no Docker.

Swift is four servers (proxy, account, container, object) that speak HTTP to each other. Each is an ordinary WSGI
application on eventlet, so all four run here on listening sockets of one process: one start (about 1.5 s), one pid to
stop, no ports to agree on beforehand, and nothing of a system-wide Swift installation is read or written.

    python3 swift-server.py ACCESS_KEY SECRET DIRECTORY...

uses the first DIRECTORY that can keep objects, prints one line of JSON, {"port", "directory"}, when it serves, and runs
until its standard input ends, so that it cannot outlive the test run that started it, not even one that was killed. Its
data is removed at the end. Exit status 3: the packages are missing. 4: no directory has extended attributes.

    python3 swift-server.py ACCESS_KEY SECRET --again DIRECTORY PORT

serves once more what one that was killed has left, where it was.
"""

import json
import os
import shutil
import sys
import tempfile

PACKAGES_MISSING = 3
NO_EXTENDED_ATTRIBUTES = 4

try:
    import eventlet

    # Before Swift is imported: its modules take sockets and locks when they load.
    eventlet.monkey_patch(all=False, socket=True, select=True, thread=True)
    from eventlet import hubs, wsgi
    from swift.common import utils
    from swift.common.ring import RingBuilder
    from swift.common.wsgi import SwiftHttpProtocol, loadapp
except ImportError as error:
    sys.exit(print(f'Swift is not installed: {error}', file=sys.stderr) or PACKAGES_MISSING)

BACKENDS = ('account', 'container', 'object')

COMMON = """
[DEFAULT]
swift_dir = {root}
devices = {root}/devices
mount_check = false
# Reserving disk space needs a cooperating file system and buys a test nothing.
disable_fallocate = true
log_level = WARNING
"""

# The pipeline is the one of s3api's own documentation, less the caches: slo is what multipart uploads are made of.
PROXY = COMMON + """
[pipeline:main]
pipeline = catch_errors healthcheck listing_formats bulk s3api tempauth copy slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
"""

BACKEND = COMMON + """
[app:main]
use = egg:swift#{server}
"""

# A cluster's hash prefix is a secret only because it makes paths unguessable; this cluster lives for one test run.
CLUSTER = """
[swift-hash]
swift_hash_path_prefix = asu
swift_hash_path_suffix = asu

[storage-policy:0]
name = one-copy
default = yes
"""


class ForgetfulCache:
    """Stands where memcached would: tempauth refuses to work without one, and any memcached may forget everything."""

    def get(self, key, raise_on_error=False):
        return None

    def set(self, key, value, **options):
        pass

    def delete(self, key, server_key=None):
        pass


def with_cache(app):
    def answer(environ, start_response):
        environ['swift.cache'] = ForgetfulCache()
        return app(environ, start_response)

    return answer


def directory_for_objects(candidates):
    """A fresh directory under the first candidate whose file system keeps user.* attributes (tmpfs often does not)."""
    refusals = []
    for candidate in candidates:
        root = None
        try:
            os.makedirs(candidate, exist_ok=True)
            root = tempfile.mkdtemp(prefix='asu-swift-', dir=candidate)
            os.setxattr(root, 'user.asu.probe', b'yes')
            return root
        except OSError as error:
            refusals.append(f'{candidate}: {error.strerror}')
            if root:
                os.rmdir(root)
    print('Swift keeps object metadata in extended attributes (user.*), which no directory offered here has: '
          + '; '.join(refusals), file=sys.stderr)
    sys.exit(NO_EXTENDED_ATTRIBUTES)


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def serve(root, access_key, secret, port):
    account, user = access_key.split(':')
    values = {'root': root, 'account': account, 'user': user, 'secret': secret}
    os.makedirs(f'{root}/devices/disk', exist_ok=True)
    write(f'{root}/swift.conf', CLUSTER)
    utils.set_swift_dir(root)
    # Once one logger has a console handler, every later one gets it: warnings go to stderr.
    utils.get_logger({}, 'asu-swift', log_to_console=True)

    sockets = {server: eventlet.listen(('127.0.0.1', 0)) for server in BACKENDS}
    sockets['proxy'] = eventlet.listen(('127.0.0.1', port))
    for server in BACKENDS:
        ring = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
        port = sockets[server].getsockname()[1]
        ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1.0, 'ip': '127.0.0.1', 'port': port,
                      'replication_ip': '127.0.0.1', 'replication_port': port, 'device': 'disk', 'meta': ''})
        ring.rebalance()
        ring.get_ring().save(f'{root}/{server}.ring.gz')

    for server, socket in sockets.items():
        conf = f'{root}/{server}-server.conf'
        write(conf, (PROXY if server == 'proxy' else BACKEND).format(server=server, **values))
        # Header names stay as they are written: S3 clients look for "ETag".
        app = loadapp(conf, global_conf={'log_name': server})
        eventlet.spawn(wsgi.server, socket, with_cache(app) if server == 'proxy' else app, utils.NullLogger(),
                       protocol=SwiftHttpProtocol, capitalize_response_headers=False)

    print(json.dumps({'port': sockets['proxy'].getsockname()[1], 'directory': root}), flush=True)


def wait_for_end_of_input():
    while True:
        hubs.trampoline(0, read=True)
        if not os.read(0, 4096):
            return


if __name__ == '__main__':
    _, access_key, secret, *candidates = sys.argv
    is_again = candidates[0] == '--again'
    root = candidates[1] if is_again else directory_for_objects(candidates)
    try:
        serve(root, access_key, secret, int(candidates[2]) if is_again else 0)
        wait_for_end_of_input()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    # Not sys.exit: keep-alive connections and worker threads are not worth waiting for.
    os._exit(0)
