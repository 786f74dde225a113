# An image of Holdall with every extra. An application is copied or mounted into /app and named by HOLDALL_APP:
#   docker run -p 8000:8000 -v ./shop:/app/shop:ro -e HOLDALL_APP=shop:app holdall
# `holdall new` writes a Dockerfile for a project of its own, which is smaller.
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src ./src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.13-slim
COPY --from=build /wheel /wheel
RUN pip install --no-cache-dir "$(ls /wheel/*.whl)[all]" && rm -r /wheel \
    && useradd --create-home --uid 10001 holdall && mkdir -p /app /data && chown holdall /data
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app HOLDALL_APP=app:app HOLDALL_WORKERS=1
USER holdall
# What the paths of stores begin at, as in sqlite:///shop.db.
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD \
    python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/_health/ready', timeout=2)"
CMD exec holdall serve "$HOLDALL_APP" --host 0.0.0.0 --workers "$HOLDALL_WORKERS"
