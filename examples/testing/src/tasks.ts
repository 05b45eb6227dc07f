import { defineTask } from 'nestjs-stem';

export const SendWelcome = defineTask<{ email: string }, { messageId: string }>('welcome.send', {
  maxRetries: 5,
  retry: { delay: '1m', jitter: false },
});

export const AskForFeedback = defineTask<{ email: string }>('feedback.ask', { expires: '30d' });
