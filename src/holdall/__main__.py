"""``python -m holdall`` is the command line."""

from holdall.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
