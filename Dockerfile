# One hub. Its data are in /data; see docs/operating.md for what to keep of it.
FROM python:3.13-slim
WORKDIR /opt/misono
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY broker broker
COPY federation federation
COPY linkeddata linkeddata
COPY examples examples
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv sync --locked --no-default-groups --no-cache \
 && useradd --system --home-dir /data --create-home hub
USER hub
VOLUME /data
EXPOSE 1026
ENTRYPOINT ["/opt/misono/.venv/bin/misono"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
