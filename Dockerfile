# The app in a small image, without the data sets: docker build -t mnistcmp .
FROM python:3.12.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    # Streamlit looks for its settings at home, too; /tmp is writable when / is not.
    HOME=/tmp

WORKDIR /app
COPY requirements.txt pyproject.toml README.md LICENSE ./
# uv heeds `torch-backend = "cpu"` in pyproject.toml, so this installs the small build of torch.
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache -r requirements.txt \
    && pip uninstall --yes uv

COPY streamlit_app.py ./
COPY .streamlit .streamlit
COPY mnistcmp mnistcmp
COPY checkpoints checkpoints

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mnistcmp
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.headless=true", "--server.fileWatcherType=none"]
