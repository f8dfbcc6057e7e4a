{# The host is nobody's any more: called right after the marker is gone. The run's lease stays until the run ends. #}
r="{{ root }}"
rm -rf --one-file-system "$r{{ state }}"
rmdir "$r/etc/slipway" 2>/dev/null || :
find "$r{{ run }}" -mindepth 1 ! -name run.lock ! -name '*.mutex' -delete 2>/dev/null || :
