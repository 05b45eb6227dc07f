stem dlq replay --queue default --limit 1 --yes
stem dlq replay --queue default --since 2h --task email.send --yes
stem dlq purge --queue default --yes
