# One broker. Its data are in /data, where its store is a directory; see docs/operating.md for what to keep of it, and
# docs/deploy.md for many brokers on one MongoDB. /ledger is for --erasures.
FROM python:3.13.11-slim-bookworm
WORKDIR /opt/misono
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY broker broker
COPY datamodels datamodels
COPY federation federation
COPY linkeddata linkeddata
COPY examples examples
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv sync --locked --no-default-groups --no-cache --compile-bytecode \
 && useradd --system --home-dir /data --create-home hub \
 && install -d -o hub -g hub /ledger
USER hub
VOLUME ["/data", "/ledger"]
EXPOSE 1026
ENTRYPOINT ["/opt/misono/.venv/bin/misono"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
