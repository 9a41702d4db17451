"""`python -m torchlean_server`: the server on stdin and stdout, or on a TCP port."""

import sys

from torchlean_server.main import command_line

if __name__ == "__main__":
    sys.exit(command_line(sys.argv[1:]))
