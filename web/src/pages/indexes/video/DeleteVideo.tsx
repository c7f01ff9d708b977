// Asks before a video is deleted, with what goes and what stays.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "../../../api/client";
import { Failure } from "../../../ui/display";
import { Question, toast } from "../../../ui/overlays";
import { useForgetIndexes, type Video } from "../data";
import { isGone } from "./moments";

export function DeleteVideo({
  index,
  video,
  onClose,
  onDeleted,
}: {
  index: string;
  video: Video;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const client = useQueryClient();
  const forget = useForgetIndexes();
  const name = video.system_metadata?.filename ?? "the video";
  const remove = useMutation({
    mutationFn: async () => {
      try {
        const path = { index_id: index, video_id: video._id };
        await api.DELETE("/indexes/{index_id}/videos/{video_id}", { params: { path } });
      } catch (failure) {
        if (!isGone(failure)) throw failure;
      }
    },
    onSuccess: async () => {
      toast(`${name} is deleted from the index.`);
      onDeleted();
      client.removeQueries({ queryKey: ["video", index, video._id] });
      await forget();
    },
  });
  return (
    <Question
      title={`Delete ${name} from the index?`}
      yes="Delete for good"
      doing="Deleting…"
      icon="trash"
      isDoing={remove.isPending}
      onYes={() => remove.mutate()}
      onClose={onClose}
    >
      <div>
        <h3>What goes, for good</h3>
        <p>Its transcript (edited or not), on-screen text, pictures, stream, and your own metadata of it.</p>
        <h3>What stays</h3>
        <p className="breakable">
          The file ({video.object}): it can be taken anew. Its task, and the reports that tell of it.
        </p>
      </div>
      {remove.error && <Failure error={remove.error} />}
    </Question>
  );
}
