# Our programs as images, one target each: `docker compose build` makes them all.
# Packages come from requirements-run.lock by their hashes; nothing secret is in any layer.

FROM python:3.13.11-slim-trixie AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements-run.lock /src/
RUN pip install --require-hashes -r /src/requirements-run.lock

# hatchling builds the wheel; it stays behind in this stage, with its hash, too.
FROM packages AS wheel
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY libs libs
COPY simulator simulator
COPY gateway-sim gateway-sim
COPY chirpstack chirpstack
COPY functions functions
COPY cli cli
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM packages AS program
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps --no-index /wheel/*.whl && rm -r /wheel \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/garonne garonne \
 && install -d -o garonne -g garonne -m 0700 /var/lib/garonne
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GARONNE_HOME=/opt/garonne \
    GARONNE_STATE=/var/lib/garonne
# The data that programs find through GARONNE_HOME: the catalogue of device types.
COPY chirpstack/device-types /opt/garonne/chirpstack/device-types
WORKDIR /var/lib/garonne
USER 10001:10001

FROM program AS ingest
CMD ["python", "-m", "faas.ingest"]

FROM program AS worker
COPY functions/handlers /opt/garonne/functions/handlers
CMD ["python", "-m", "faas.worker"]

FROM program AS batcher
COPY functions/handlers /opt/garonne/functions/handlers
CMD ["python", "-m", "faas.batcher"]

FROM program AS sender
CMD ["python", "-m", "faas.sender"]

FROM program AS provisioning
COPY cities /opt/garonne/cities
CMD ["python", "-m", "provisioning"]

FROM program AS gateways
COPY cities /opt/garonne/cities
CMD ["python", "-m", "gateway_sim"]

FROM program AS devices
COPY cities /opt/garonne/cities
CMD ["python", "-m", "lorawan_sim"]

# The command `garonne`, and the one-shot services that prepare a deployment.
FROM program AS garonne
COPY cities /opt/garonne/cities
ENTRYPOINT []
CMD ["garonne", "--help"]
